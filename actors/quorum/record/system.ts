import { compare } from '@brume/codec'
import {
  decodeCall,
  decodeSystem,
  isSigned,
  isSystemBody,
  type SystemCommand,
  verifyEvidence
} from '@brume/protocols/quorum'
import type { Inspected, Refusal } from '../ports.ts'

/** The first bytes of a call to this group: an array of eight, version 1, the group's id. */
const HEAD_BYTES = 4 + 32
const CALL_HEAD = Uint8Array.of(0x88, 0x01, 0x58, 0x20)

/** A call to the quorum itself: the program never sees it. */
export class SystemCall implements Inspected {
  readonly client: Uint8Array
  readonly session: number
  readonly sequence: number
  readonly expiresMs: number
  readonly command: SystemCommand

  constructor(call: Inspected, command: SystemCommand) {
    this.client = call.client
    this.session = call.session
    this.sequence = call.sequence
    this.expiresMs = call.expiresMs
    this.command = command
  }
}

/** What the quorum says of a command; undefined where it is the program's to judge. Pure; up to 0.4 ms, for evidence. */
export function inspectSystem(groupId: Uint8Array, bytes: Uint8Array): SystemCall | Refusal | undefined {
  if (!isCallTo(groupId, bytes)) return undefined
  const call = readCall(bytes)
  if (call === undefined || !isSystemBody(call.body)) return undefined
  try {
    const command = decodeSystem(call.body)
    if (!isSigned(call)) return { code: 'BAD_SIGNATURE' }
    if (command.name === 'evidence') {
      if (compare(command.evidence.groupId, groupId) !== 0) return { code: 'MALFORMED' }
      if (!verifyEvidence(command.evidence)) return { code: 'BAD_SIGNATURE' }
    }
    if (command.name === 'join' && compare(command.candidate.key, call.client) !== 0) return { code: 'NOT_ADMITTED' }
    return new SystemCall(call, command)
  } catch {
    return { code: 'MALFORMED' }
  }
}

/** Reading every command as a call would cost as much as a program's own reading of it; the first bytes tell enough. */
function isCallTo(groupId: Uint8Array, bytes: Uint8Array): boolean {
  if (bytes.length < HEAD_BYTES) return false
  return CALL_HEAD.every((byte, i) => bytes[i] === byte) && compare(bytes.subarray(4, HEAD_BYTES), groupId) === 0
}

function readCall(bytes: Uint8Array) {
  try {
    return decodeCall(bytes)
  } catch {
    return undefined
  }
}
