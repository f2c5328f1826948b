export { Heap } from './heap.ts'
export { contradictions, type Operation } from './log-history.ts'
export {
  type JournalMedium,
  type MemoryJournal,
  type MemoryJournalOptions,
  memoryJournal,
  newMedium
} from './memory-journal.ts'
export { memoryStore, StoreMedium } from './memory-store.ts'
export { SimNetError, type SimNetErrorCode } from './net/errors.ts'
export type { PipeSettings } from './net/pipe.ts'
export { SimNet, type SimNetOptions } from './net/sim-net.ts'
export type { SimNode } from './net/sim-node.ts'
export { LATENCY_TABLE, REGIONS, type RegionalDelays, regionalDelays, regionOf } from './regions.ts'
export { replace } from './replace.ts'
export { NodeClock, type NodeClockOptions, SimClock, type SimClockOptions, settle } from './sim-clock.ts'
export { SimDisk, type SimDiskOptions } from './sim-disk.ts'
export { SimRandom, seedFromHex } from './sim-random.ts'
export { type SimKey, SimSigner } from './sim-signer.ts'
