/**
 * Resolves when the signal aborts, or at once if it has: whoever was told that a routine has begun
 * may cancel it before it listens.
 */
export function untilAborted(...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    }
  })
}
