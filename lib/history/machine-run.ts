import { readFileSync } from 'node:fs'

/**
 * Names this machine since it was started: two processes that have the same name for it share its
 * steady clock, but for those that were given one of their own. '' where it has no name.
 */
export function machineRun(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}
