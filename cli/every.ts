/** All that comes, once it has ended; for lists whose length the sender bounds. */
export async function every<T>(items: Promise<AsyncIterable<T>>): Promise<readonly T[]> {
  const all: T[] = []
  for await (const item of await items) all.push(item)
  return all
}
