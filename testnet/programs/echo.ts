import { type Block, type LeafOutcome, LeafProgram, type LeafState } from '@brume/actors/quorum'
import { encode, toHex } from '@brume/codec'
import type { Store } from '@brume/ports'
import { decodeCall } from '@brume/protocols/quorum'

/** An answer is one leaf with its path. */
const BODY_BYTES_MAX = 3_072

/**
 * Answers every command with its own body and remembers each client's last one, at `last/<client hex>`: a state
 * that grows with its clients, so that it takes more than one page.
 */
export class Echo extends LeafProgram {
  constructor(store?: Store) {
    const accepts = (body: Uint8Array) => body.length <= BODY_BYTES_MAX
    super({ domain: 'brume/echo-attest/1', accepts, execute, ...(store === undefined ? {} : { store }) })
  }
}

function execute(_: LeafState, { height, commands }: Block): LeafOutcome {
  const answers = commands.map(({ id, bytes }) => [id, decodeCall(bytes).body] as const)
  const last = commands.map(({ client, bytes }) => [`last/${toHex(client)}`, decodeCall(bytes).body] as const)
  return { changes: [...last, ['height', encode(height)]], answers }
}
