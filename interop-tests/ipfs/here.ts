/** Why tests with IPFS software are left out: it takes minutes to fetch and build. `.ci/full` sets IPFS. */
export const whyNotHere = (): string | undefined =>
  process.env['IPFS'] === undefined
    ? 'IPFS software takes minutes to fetch and build: set IPFS=1, as .ci/full does'
    : undefined
