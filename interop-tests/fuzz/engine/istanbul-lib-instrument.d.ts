declare module 'istanbul-lib-instrument' {
  export interface InstrumenterOptions {
    readonly esModules?: boolean
    readonly compact?: boolean
    readonly produceSourceMap?: boolean
  }
  export function createInstrumenter(options: InstrumenterOptions): {
    instrumentSync(code: string, path: string): string
  }
}
