export { type Arrival, Arrivals, type ArrivalsOptions } from './arrivals.ts'
export { Dispatch, type DispatchOptions, type Sending } from './dispatch.ts'
export { createReplica, type ReplicaOptions } from './program.ts'
