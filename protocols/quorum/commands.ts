import { asArray, asBytes, decode, encode, fromHex, toHex } from '@brume/codec'
import { COMMANDS_MAX } from './block.ts'
import { commandId } from './call.ts'
import { COMMAND_BYTES_MAX, COMMANDS_PROTOCOL } from './id.ts'
import { readIds } from './outline.ts'

/** A head of CBOR before each command of an answer. */
const OVERHEAD_BYTES = 5

export interface CommandsRequest {
  readonly groupId: Uint8Array
  /** Lower-case hex of 32 bytes, each once. */
  readonly ids: readonly string[]
}

/** `[groupId, ids]`, the ids as one byte string. */
export function encodeCommandsRequest({ groupId, ids }: CommandsRequest): Uint8Array {
  return encode([groupId, fromHex(ids.join(''))])
}

/** @throws CodecError, BlockError */
export function decodeCommandsRequest(bytes: Uint8Array): CommandsRequest {
  const limits = { bytesMax: COMMANDS_PROTOCOL.requestBytesMax }
  const [groupId, ids] = asArray(decode(bytes, limits), 'commands request', 2)
  return { groupId: asBytes(groupId, 'groupId', 32), ids: readIds(ids) }
}

/** Of each command in the order asked for its bytes, or null where it is not here or the answer is full. */
export function encodeCommandsAnswer(commands: readonly (Uint8Array | undefined)[]): Uint8Array {
  let room = COMMANDS_PROTOCOL.answerBytesMax - OVERHEAD_BYTES
  return encode(
    commands.map((command) => {
      const bytes = OVERHEAD_BYTES + (command?.length ?? 0)
      if (command === undefined || bytes + commands.length > room) return null
      room -= bytes
      return command
    })
  )
}

/**
 * Keeps only what was asked for: a command is what its id says, or it did not come.
 *
 * @returns by id
 * @throws CodecError
 */
export function decodeCommandsAnswer(ids: readonly string[], bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const limits = { bytesMax: COMMANDS_PROTOCOL.answerBytesMax, itemsMax: 2 * COMMANDS_MAX }
  const found = new Map<string, Uint8Array>()
  for (const [i, value] of asArray(decode(bytes, limits), 'commands', { min: 0, max: ids.length }).entries()) {
    if (value === null) continue
    const command = asBytes(value, 'command', { min: 1, max: COMMAND_BYTES_MAX })
    const id = toHex(commandId(command))
    if (id === ids[i]) found.set(id, command)
  }
  return found
}
