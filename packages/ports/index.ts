export type { Cancel, Clock } from './clock.ts'
export type { Disk, DiskFile } from './disk.ts'
export type { Journal, JournalRecord, JournalVerdict } from './journal.ts'
export type { Log } from './log.ts'
export type {
  Channel,
  ChannelHandler,
  ChannelProtocol,
  FrameClass,
  Link,
  LinkEvent,
  Net,
  PeerId,
  RequestProtocol,
  SendResult,
  Topic,
  Verdict,
  Wanted
} from './net.ts'
export type { Random } from './random.ts'
export type { Store, StoreOperation, StoreRange, StoreWriteOptions } from './store.ts'
