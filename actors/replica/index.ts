export { Dispatch, type DispatchOptions, type Sending } from './dispatch.ts'
export { createReplica, type ReplicaOptions } from './program.ts'
