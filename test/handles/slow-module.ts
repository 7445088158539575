/** A module that is slow to load: what is said to its routines meanwhile must not be lost. */
await new Promise((resolve) => setTimeout(resolve, 150))

export function* slowCount(): Generator<number> {
  for (let number = 0; ; number++) yield number
}

export async function slowPark(): Promise<never> {
  return new Promise<never>(() => {})
}
