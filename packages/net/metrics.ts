import { counter, gauge, histogram, type Registry } from '@brume/observe'

/** Bounds from a loopback echo to a dead link. */
const RTT_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]
/** A judge has 5 ms; what takes longer shows in the last buckets. */
const VALIDATE_SECONDS = [0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1]

/** Everything this room counts (libp2p.md 11). Labels never carry peer ids: their number is unbounded. */
export type NetMetrics = ReturnType<typeof netMetrics>

export function netMetrics(registry: Registry) {
  return { ...linkMetrics(registry), ...streamMetrics(registry), ...gossipMetrics(registry) }
}

function linkMetrics(r: Registry) {
  return {
    connections: gauge(r, 'brume_net_connections', 'Open connections', ['direction']),
    dials: counter(r, 'brume_net_dials_total', 'Dials by result', ['result']),
    redialWait: gauge(r, 'brume_net_redial_wait', 'Peers waiting to be dialled again'),
    duplicatesClosed: counter(r, 'brume_net_duplicates_closed_total', 'Second connections to one peer closed'),
    rttSeconds: histogram(r, 'brume_net_rtt_seconds', 'Round trips of probes', RTT_SECONDS),
    probeLost: counter(r, 'brume_net_probe_lost_total', 'Connections ended because no echo came'),
    slowPeers: gauge(r, 'brume_net_slow_peers', 'Peers that read slowly or lag'),
    peerstoreEntries: gauge(r, 'brume_net_peerstore_entries', 'Entries in the libp2p peer store'),
    mdnsDiscovered: counter(r, 'brume_net_mdns_discovered_total', 'Answers that named a peer'),
    addressRefused: counter(r, 'brume_net_address_refused_total', 'Addresses the policy refused', ['reason']),
    loopLag: gauge(r, 'brume_loop_lag_seconds', 'Longest recent delay of the event loop')
  }
}

function streamMetrics(r: Registry) {
  return {
    queueBytes: gauge(r, 'brume_net_queue_bytes', 'Bytes waiting in outgoing queues', ['class']),
    queueDropped: counter(r, 'brume_net_queue_dropped_total', 'Frames dropped, their queue being full', ['class']),
    frames: counter(r, 'brume_net_frames_total', 'Frames of channels', ['protocol', 'direction']),
    frameErrors: counter(r, 'brume_net_frame_errors_total', 'Streams ended over a frame', ['protocol', 'reason']),
    streams: gauge(r, 'brume_net_streams', 'Open streams', ['protocol']),
    bufferedBytes: gauge(r, 'brume_net_buffered_bytes', 'Bytes in stream buffers and queues'),
    governorAborts: counter(r, 'brume_net_governor_aborts_total', 'Peers whose streams were ended to save memory')
  }
}

function gossipMetrics(r: Registry) {
  return {
    muteHealed: counter(r, 'brume_net_mute_healed_total', 'Gossip streams opened again'),
    publish: counter(r, 'brume_net_publish_total', 'Gossip messages published', ['topic', 'result']),
    validate: counter(r, 'brume_net_validate_total', 'Gossip messages judged', ['topic', 'verdict']),
    validateSeconds: histogram(r, 'brume_net_validate_seconds', 'Time to judge a gossip message', VALIDATE_SECONDS),
    meshPeers: gauge(r, 'brume_net_mesh_peers', 'Peers in the gossip mesh', ['topic'])
  }
}
