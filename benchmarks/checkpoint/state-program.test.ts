import type { Block, ProgramEvent } from '@brume/actors/quorum'
import { memoryStore } from '@brume/testkit'
import { expect, test } from 'vitest'
import { StateProgram } from './state-program.ts'

const SHAPE = { leaves: 300, leafBytes: 64, leavesPerCommand: 3, checkpointBlocks: 2 }

const blockAt = (height: number): Block => ({
  ...{ epoch: 0, view: height, height, digest: 'ab'.repeat(32), previous: '00'.repeat(32), leader: 0, timeMs: height },
  ...{ seed: new Uint8Array(32), checkpoint: height % SHAPE.checkpointBlocks === 0 },
  commands: [{ id: `0${height}`.repeat(32) } as Block['commands'][number]]
})

test('every member comes to the same full state, each command changes some of it, and what is certified is saved', async () => {
  const roots = await Promise.all(
    [0, 1].map(async () => {
      const program = new StateProgram(SHAPE, memoryStore())
      const events: ProgramEvent[] = []
      await program.open({ groupId: new Uint8Array(32) }, (event) => events.push(event))
      for (let height = 1; height <= 4; height++) program.deliver(blockAt(height))
      program.certified([2])
      await program.saved()
      program.certified([2, 4])
      program.certified([2, 4])
      await program.saved()
      expect(program.leaves.size).toBe(SHAPE.leaves)
      expect(program.savedSoFar.checkpoints).toBe(2)
      return events.map((event) =>
        event.type === 'executed' ? Buffer.from(event.stateRoot ?? []).toString('hex') : ''
      )
    })
  )
  expect(roots[0]).toEqual(roots[1])
  expect(new Set(roots[0]).size).toBe(3)
})
