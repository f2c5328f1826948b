import { decode } from '@brume/codec'
import type { Cancel } from '@brume/ports'
import { type Event, emittedPaths, jsonOf, readLeaf } from '@brume/runtime/replica'
import type { GroupAccess } from './directory.ts'

/** An emitted event is one leaf. */
const EVENT_LIMITS = { bytesMax: 4_096, depthMax: 40, itemsMax: 10_000 }

export interface FollowOptions {
  /** The group that the actor is in now. */
  readonly group: () => Promise<GroupAccess>
  /**
   * Looks at the actor after a block of this height, 0: as it is when its group is come to; and notes where it moved.
   *
   * @returns the height that it has seen
   */
  readonly pass: (group: GroupAccess, height: number) => Promise<number>
}

/** Passes through the blocks of an actor from now on, in whichever group it is then. */
export function followBlocks({ group: current, pass }: FollowOptions, failed: (error: unknown) => void): Cancel {
  let isOver = false
  const through = async (group: GroupAccess, from: number): Promise<void> => {
    let seen = from
    for await (const { header } of group.client.watch(from + 1)) {
      if (isOver) return
      if (header.height > seen) seen = await pass(group, header.height)
      if (group.successor !== null) return
    }
    isOver = true
  }
  const run = async (): Promise<void> => {
    while (!isOver) {
      const group = await current()
      const from = await pass(group, 0)
      if (group.successor === null && !isOver) await through(group, from)
    }
  }
  run().catch((error: unknown) => isOver || failed(error))
  return () => {
    isOver = true
  }
}

/** What a block has emitted: nothing where the member that is asked first says so, else as it was attested. */
export async function readEmitted({ client }: GroupAccess, height: number): Promise<readonly Event[]> {
  const paths = [emittedPaths(height)]
  const { leaves: said } = await client.read(paths, 'local', { atLeast: height })
  if (said === null) return []
  const { leaves } = await client.read(paths, 'certified', { atLeast: height })
  return (leaves ?? []).map((leaf) => jsonOf(decode(readLeaf(leaf).bytes, EVENT_LIMITS)) as Event)
}
