import { toHex } from '@brume/codec'
import { type Command, commandId } from '@brume/protocols/quorum'

/** Commands of the simulation's program: `client u16 ‖ sequence u32 ‖ filling`. */
const COMMAND_BYTES = 32

/** A command with what a member reads out of it. */
export interface SimCommand extends Command {
  readonly client: number
  /** From 1; takes effect only as the next of its client. */
  readonly sequence: number
}

export function makeCommand(client: number, sequence: number): SimCommand {
  const bytes = Buffer.alloc(COMMAND_BYTES, 0x2e)
  bytes.writeUInt16BE(client, 0)
  bytes.writeUInt32BE(sequence, 2)
  return { id: toHex(commandId(bytes)), bytes, client, sequence }
}

export function readCommand({ id, bytes }: Command): SimCommand {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return { id, bytes, client: view.readUInt16BE(0), sequence: view.readUInt32BE(2) }
}
