/** What the threads of the model ask, and what they make of the answers. */
import type { UpdateOnReleaseOutput } from '../../lib/protocol/update-on-release.ts'
import type { UpdateOnReleaseOperation } from '../../lib/wire/update-on-release-messages.ts'
import { Violation } from './explore.ts'
import type { Instruction, ModelThread, World } from './update-on-release-world.ts'
import { nodeAt } from './update-on-release-world.ts'

export function operationOf(
  world: World,
  thread: ModelThread,
  instruction: Instruction,
): UpdateOnReleaseOperation {
  const held = thread.holds ?? { object: 'o', token: -1 }
  switch (instruction[0]) {
    case 'acquire':
    case 'tryAcquire':
      return Object.freeze([instruction[0], instruction[1]])
    case 'init': {
      const fields = Object.entries(instruction[2]).map((entry) => Object.freeze(entry))
      return Object.freeze(['init', instruction[1], Object.freeze(fields)])
    }
    case 'read':
      return Object.freeze(['get', instruction[1], instruction[2], 0])
    case 'wait':
      return Object.freeze(['wait', instruction[1], instruction[2], 0])
    case 'release':
    case 'tell': {
      const fields = nodeAt(world, thread.place).machine.objects.get(held.object)
      const writes = Object.entries(instruction[1]).map(([field, value]) => {
        if (value === null) return Object.freeze([field] as const)
        const read = Number(fields?.get(field)?.value ?? 0)
        return Object.freeze([field, value === 'increment' ? read + 1 : value] as const)
      })
      const ackAll = instruction[2] === 'all'
      return Object.freeze([
        'release',
        held.object,
        held.token,
        Object.freeze(writes),
        ackAll,
        null,
      ] as const)
    }
    default:
      throw new Error(`no operation: ${instruction[0]}`)
  }
}

export function answerThread(
  world: World,
  output: Extract<UpdateOnReleaseOutput, { type: 'answer' | 'refuse' }>,
): void {
  const index = output.client - 100
  const thread = world.threads[index]
  if (thread?.pending?.[0] !== output.call) {
    throw new Violation(`U7: call ${output.call} of ${output.client} was answered, not asked`)
  }
  const [, instruction] = thread.pending
  thread.pending = null
  if (output.type === 'refuse') {
    thread.over = output.code
    return
  }
  const { answer } = output
  if (instruction[0] === 'acquire' || instruction[0] === 'tryAcquire') {
    if (answer === 0) thread.over = 'not now'
    else thread.holds = Object.freeze({ object: instruction[1], token: Number(answer) })
  } else if (instruction[0] === 'read') {
    thread.reads.push((answer as readonly unknown[])[1])
  }
}
