/** An HTTP API has more callers than health and metrics, who take their time to send what they have to say. */
export const SURFACE_BOUNDS = { connections: 512, requestMs: 30_000, allBodiesBytes: 64 * 1024 * 1024 }
