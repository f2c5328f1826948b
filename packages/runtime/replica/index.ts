export type { Event, Json } from '../logic/port.ts'
export { type Bundle, bundleLogic } from './bundle.ts'
export { type Checked, type CheckOptions, checkLogic } from './check.ts'
export type { Samples, Surface } from './check-run.ts'
export { type Command, decodeCommand, encodeCommand } from './commands.ts'
export { type Finding, ReplicaError, type ReplicaErrorCode } from './errors.ts'
export { goldenFaults, goldenHashes, requireGolden } from './golden.ts'
export { inlineExecutor } from './inline.ts'
export {
  type Answer,
  contextPath,
  decodeAnswer,
  decodeSend,
  encodeAnswer,
  encodeSend,
  Items,
  jsonOf,
  OUTCOME,
  type OutcomeName,
  queryPath,
  type ReplicaSnapshot,
  readLeaf,
  readQueryPath,
  type Sent,
  SNAPSHOT_PATHS,
  selectPath,
  sendName,
  sendPath,
  snapshotOf
} from './leaves.ts'
export type { Assignment, Batch, Executed, Executor, Outcome, Outgoing, StateRef } from './port.ts'
export { decodeTerms, encodeTerms, inputDigest, RUNTIME, type Terms } from './terms.ts'
export { WorkerExecutor } from './worker.ts'
