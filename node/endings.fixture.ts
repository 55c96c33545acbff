import type { TestContext } from 'node:test'

const known = new WeakMap<TestContext, AsyncDisposableStack>()

/** What a test leaves to be ended after it; what was begun last ends first, whatever order hooks have. */
export function endings(t: TestContext): AsyncDisposableStack {
  let stack = known.get(t)
  if (stack === undefined) {
    const made = new AsyncDisposableStack()
    known.set(t, made)
    t.after(() => made.disposeAsync())
    stack = made
  }
  return stack
}
