export { RuntimeError, type RuntimeErrorCode } from './error.ts'
export { createSystem, type System, type SystemOptions, type SystemRef, type SystemSpawn } from './kernel/system.ts'
export { createKernel } from './kernel.ts'
export { MAILBOX_EVENTS_MAX } from './mailbox.ts'
export type {
  CellStatus,
  CellView,
  Failure,
  Kernel,
  KernelOptions,
  Ref,
  SendOutcome,
  SpawnOptions,
  StatusChange,
  Strategy
} from './types.ts'
