export type { Event, Json } from '../logic/port.ts'
export { type Bundle, bundleLogic } from './bundle.ts'
export { type Checked, type CheckOptions, checkLogic } from './check.ts'
export type { Samples, Surface } from './check-run.ts'
export { type Command, decodeCommand, encodeCommand } from './commands.ts'
export { type Finding, ReplicaError, type ReplicaErrorCode } from './errors.ts'
export {
  current,
  fill,
  type Gap,
  NOTHING_PASSED,
  type Passed,
  type PassedField,
  passedField,
  passOver,
  readPassed
} from './gaps.ts'
export { goldenFaults, goldenHashes, requireGolden } from './golden.ts'
export { inlineExecutor } from './inline.ts'
export type { Migrating } from './inside-port.ts'
export {
  type Answer,
  contextPath,
  decodeAnswer,
  decodeSend,
  emittedName,
  emittedPaths,
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
export { checkMigration, LEGACY_PATHS } from './migrate.ts'
export type {
  Assignment,
  Batch,
  Executed,
  Executor,
  Legacy,
  Outcome,
  Outgoing,
  Shown,
  StateRef
} from './port.ts'
export type { Unreceived } from './sources.ts'
export { decodeTerms, encodeTerms, inputDigest, type Origin, RUNTIME, type Terms } from './terms.ts'
export { WorkerExecutor } from './worker.ts'
