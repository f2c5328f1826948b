import type { Behaviour, PeerConfig } from './messages.ts'
import type { RunFolder } from './run-folder.ts'

/** What a peer's process has to be told beside what the run's folder says. */
export interface PeerCircumstances {
  readonly profile: PeerConfig['profile']
  /** Addresses of peers that run already. */
  readonly contacts: readonly string[]
  readonly proxyPort: number | undefined
  readonly behaviour: Behaviour | null
}

/** The whole config of the peer of this name, as it is to start now. */
export function peerConfig(folder: RunFolder, name: string, now: PeerCircumstances): PeerConfig {
  const { discovery, networkName, votes, peers } = folder.manifest()
  const own = peers.find((peer) => peer.name === name)
  const { operator = '', site = '', roles = [] } = own ?? {}
  return {
    ...{ name, networkName, operator, site, roles },
    dataDir: folder.dataDir(name),
    profile: now.profile,
    mdns: discovery === 'mdns',
    bootstrap: discovery === 'mdns' ? [] : now.contacts,
    ...(now.proxyPort === undefined ? {} : { proxyPort: now.proxyPort }),
    ...(votes ? { votesPath: folder.votesPath(name), finalsPath: folder.finalsPath(name) } : {}),
    accomplices: peers.filter(({ group }) => group === own?.group).map(({ peerId }) => peerId),
    behaviour: now.behaviour
  }
}
