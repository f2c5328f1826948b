import { counter, gauge, type Registry } from '@brume/observe'

/** What this room counts (actors.md 12). Labels never carry peers or actors: their number is unbounded. */
export function deliveryMetrics(registry: Registry) {
  return {
    queueBytes: gauge(registry, 'brume_runtime_link_queue_bytes', 'Bytes that wait for other peers'),
    links: gauge(registry, 'brume_runtime_links', 'Peers with which there is something going on'),
    nacks: counter(registry, 'brume_runtime_nacks_total', 'Messages of other peers that were not taken', ['code']),
    duplicates: counter(registry, 'brume_runtime_duplicates_total', 'Messages that came again'),
    ignored: counter(registry, 'brume_runtime_ignored_total', 'Acks and answers that nobody waits for'),
    faults: counter(registry, 'brume_runtime_link_faults_total', 'Streams ended over a frame', ['code'])
  }
}
