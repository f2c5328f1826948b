export { ObserveError, type ObserveErrorCode } from './error.ts'
export { createLog, type LogLevel, type LogOptions } from './log.ts'
export { counter, createRegistry, gauge, histogram } from './metrics.ts'
export { Counter, Gauge, Histogram, Registry } from './prom.ts'
