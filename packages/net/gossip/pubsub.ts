import type { GossipSub } from '@libp2p/gossipsub'

/** What the gossipsub service can do and its published interface leaves out. */
export interface Pubsub extends Omit<GossipSub, 'publish'> {
  isStarted(): boolean
  getMeshPeers(topic: string): readonly string[]
  publish(
    topic: string,
    data: Uint8Array,
    options: { readonly floodPublish: boolean }
  ): Promise<{ readonly recipients: readonly unknown[] }>
}
