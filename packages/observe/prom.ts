import { createRequire } from 'node:module'
import type * as prom from 'prom-client'

/**
 * The four classes brume uses, from prom-client's own files: its index also loads the push gateway and the
 * cluster collector, and with them node's HTTP stack: 21 MB of RSS instead of 4 (x64, Node 24).
 */
const require = createRequire(import.meta.url)

export const Registry = require('prom-client/lib/registry.js') as typeof prom.Registry
export type Registry = prom.Registry
export const Counter = require('prom-client/lib/counter.js') as typeof prom.Counter
export type Counter<Label extends string = string> = prom.Counter<Label>
export const Gauge = require('prom-client/lib/gauge.js') as typeof prom.Gauge
export type Gauge<Label extends string = string> = prom.Gauge<Label>
export const Histogram = require('prom-client/lib/histogram.js') as typeof prom.Histogram
export type Histogram<Label extends string = string> = prom.Histogram<Label>
