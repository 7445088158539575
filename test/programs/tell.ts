/** What the programs print: one JSON line for each thing that a test looks at. */
import { writeSync } from 'node:fs'
import { GoawayError } from 'goaway'

/** Prints at once, also when the process is about to end. */
export function tell(value: unknown): void {
  writeSync(1, `${JSON.stringify(value)}\n`)
}

/** All that tests compare of an error. */
export function factsOf(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { notAnError: String(error) }
  const own = { ...error } as Record<string, unknown>
  return {
    ...own,
    className: error.constructor.name,
    name: error.name,
    message: error.message,
    goaway: error instanceof GoawayError,
    typeError: error instanceof TypeError,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: factsOf(error.cause) }),
  }
}

/** Prints how a promise, or a function that may throw at once, settles. */
export async function tellHow(what: string, act: () => unknown): Promise<void> {
  let thrown = true
  try {
    const promise = act()
    thrown = false
    tell({ what, value: await promise })
  } catch (error) {
    tell({ what, thrown, ...factsOf(error) })
  }
}
