// The few members that the benches use, so that types do not depend on whether the packages are installed.
declare module '@grpc/grpc-js' {
  export interface UnaryCall {
    readonly request: Buffer
  }
  export interface MethodDefinition {
    readonly path: string
    readonly requestStream: false
    readonly responseStream: false
    readonly requestSerialize: (value: Buffer) => Buffer
    readonly requestDeserialize: (bytes: Buffer) => Buffer
    readonly responseSerialize: (value: Buffer) => Buffer
    readonly responseDeserialize: (bytes: Buffer) => Buffer
  }
  export type Answer = (error: Error | null, value?: Buffer) => void
  export interface Credentials {
    readonly kind?: never
  }
  export class Server {
    addService(
      methods: Record<string, MethodDefinition>,
      handlers: Record<string, (call: UnaryCall, answer: Answer) => void>
    ): void
    bindAsync(
      address: string,
      credentials: Credentials,
      bound: (error: Error | null, port: number) => void
    ): void
    forceShutdown(): void
  }
  export const ServerCredentials: { createInsecure(): Credentials }
  export const credentials: { createInsecure(): Credentials }
  export interface GenericClient {
    close(): void
    waitForReady(deadline: number, ready: (error?: Error) => void): void
    echo(message: Buffer, answer: Answer): void
  }
  export function makeGenericClientConstructor(
    methods: Record<string, MethodDefinition>,
    name: string
  ): new (address: string, credentials: Credentials) => GenericClient
}

declare module '@nats-io/transport-node' {
  export interface Message {
    readonly data: Uint8Array
    respond(data: Uint8Array): boolean
  }
  export interface Connection {
    subscribe(
      subject: string,
      options: { callback: (error: Error | null, message: Message) => void }
    ): { unsubscribe(): void }
    request(subject: string, data: Uint8Array, options: { timeout: number }): Promise<Message>
    flush(): Promise<void>
    close(): Promise<void>
  }
  export function connect(options: {
    servers: string
    timeout?: number
    maxReconnectAttempts?: number
  }): Promise<Connection>
}

declare module '@nats-io/jetstream' {
  import type { Connection } from '@nats-io/transport-node'
  export function jetstream(connection: Connection): {
    publish(subject: string, data: Uint8Array): Promise<{ readonly seq: number }>
  }
  export function jetstreamManager(connection: Connection): Promise<{
    readonly streams: { add(options: { name: string; subjects: readonly string[] }): Promise<unknown> }
  }>
}

declare module 'redis' {
  export interface Client {
    connect(): Promise<unknown>
    ping(): Promise<string>
    xAdd(key: string, id: '*', message: Readonly<Record<string, Buffer>>): Promise<string>
    on(event: 'error', listener: (error: Error) => void): unknown
    close(): Promise<void>
    destroy(): void
  }
  export interface SocketOptions {
    readonly reconnectStrategy?: false
    readonly tls?: true
    readonly ca?: Buffer
  }
  export function createClient(options: { url: string; socket?: SocketOptions }): Client
}

declare module 'helia' {
  export interface Helia {
    readonly libp2p: {
      getMultiaddrs(): readonly { toString(): string }[]
      dial(address: unknown): Promise<unknown>
    }
    start(): Promise<Helia>
    stop(): Promise<void>
  }
  export function createHeliaLight(): Helia
}

declare module '@helia/libp2p' {
  import type { Helia } from 'helia'
  export function withLibp2pLight(helia: Helia, libp2p: object): Helia
}

declare module '@helia/bitswap' {
  import type { Helia } from 'helia'
  export function withBitswap(helia: Helia): Helia
}

declare module '@helia/unixfs' {
  import type { Helia } from 'helia'
  export function unixfs(helia: Helia): {
    addByteStream(pieces: Iterable<Uint8Array>): Promise<{ toString(): string }>
    cat(cid: unknown): AsyncIterable<Uint8Array>
  }
}
