import { counter, gauge, type Registry } from '@brume/observe'
import type { Meters } from '../ports.ts'

/** The figures of membership in a metrics registry. Labels are fixed words, never peer ids. */
export function createMeters(registry: Registry): Meters {
  const records = counter(registry, 'brume_member_records_total', 'Records received, by what became of them', [
    'verdict'
  ])
  const sync = counter(
    registry,
    'brume_member_sync_total',
    'Anti-entropy: rounds started, records learned, frames throttled',
    ['what']
  )
  const dead = counter(registry, 'brume_member_dead_total', 'Members declared dead, by cause', ['cause'])
  const warrants = counter(registry, 'brume_member_warrants_total', 'Contradicting records of one peer', ['kind'])
  const malformed = counter(
    registry,
    'brume_member_malformed_total',
    'Frames and records for which the sender is to blame'
  )
  const offset = gauge(
    registry,
    'brume_member_clock_offset_seconds',
    'Fog clock of the last peer that said Hello, less the own'
  )
  const quality = gauge(registry, 'brume_member_clock_quality', '2 synchronised, 1 plausible, 0 unknown')
  const epoch = gauge(registry, 'brume_member_epoch', 'Current epoch')
  const count = gauge(registry, 'brume_member_count', 'Known members, this peer included', ['state'])
  return {
    record: (verdict) => records.inc({ verdict }),
    sync: (what) => sync.inc({ what }),
    dead: (cause) => dead.inc({ cause }),
    warrant: (kind) => warrants.inc({ kind }),
    malformed: () => malformed.inc(),
    clockOffset: (offsetMs) => offset.set(offsetMs / 1_000),
    members: ({ up, suspect, dead: gone }) => {
      count.set({ state: 'up' }, up)
      count.set({ state: 'suspect' }, suspect)
      count.set({ state: 'dead' }, gone)
    },
    epoch: (now, clockQuality) => {
      epoch.set(now)
      quality.set(clockQuality)
    }
  }
}
