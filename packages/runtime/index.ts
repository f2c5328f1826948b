export { RuntimeError, type RuntimeErrorCode } from './error.ts'
export { createSystem, type System, type SystemOptions, type SystemRef, type SystemSpawn } from './kernel/system.ts'
