import { identityFromSeed, sha256 } from '@brume/crypto'
import { expect, test } from 'vitest'
import { Client, NullProgram } from './commands.ts'
import { COMMAND_BYTES } from './plan.ts'

test('every command has its 256 bytes, is signed, and follows the one before', async () => {
  const groupId = sha256(Uint8Array.of(1))
  const program = new NullProgram()
  await program.open({ groupId })
  const client = new Client(identityFromSeed(sha256(Uint8Array.of(2))), groupId)
  // Past 24 and 256 the sequence takes more bytes.
  for (let sequence = 1; sequence <= 300; sequence++) {
    const command = client.next()
    expect(command).toHaveLength(COMMAND_BYTES)
    expect(program.inspect(command)).toMatchObject({ sequence, session: 1 })
  }
  client.renew()
  expect(program.inspect(client.next())).toMatchObject({ sequence: 1, session: 2 })
})

test('a command that was changed, or is another group’s, is not admitted', async () => {
  const program = new NullProgram()
  await program.open({ groupId: sha256(Uint8Array.of(1)) })
  const identity = identityFromSeed(sha256(Uint8Array.of(2)))
  expect(program.inspect(new Client(identity, sha256(Uint8Array.of(9))).next())).toEqual({ code: 'NOT_ADMITTED' })
  const forged = new Client(identity, sha256(Uint8Array.of(1))).next()
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  expect(program.inspect(forged)).toEqual({ code: 'BAD_SIGNATURE' })
})
