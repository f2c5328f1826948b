export { RuntimeError, type RuntimeErrorCode } from './error.ts'
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
