/** How one direction of a link is. */
export interface Shape {
  /** One way, milliseconds; jitter is added, uniform from 0. */
  readonly delayMs: number
  readonly jitterMs: number
  /** Of 100 packets; TCP hides a loss behind a pause. */
  readonly lossPct: number
  /** Kilobits a second; null: as fast as it goes. */
  readonly rateKbit: number | null
}

/** How a link may be said to be. The number is the way there in milliseconds; `aws` looks up the sites of both ends. */
export const PROFILES = ['lan', 'wifi', 'fog20', 'wan80', 'aws'] as const
export type ProfileName = (typeof PROFILES)[number]

export const PLAIN: Shape = { delayMs: 0, jitterMs: 0, lossPct: 0, rateKbit: null }

/** Typical figures, not measured ones: a switched LAN, a home's WLAN, a city, a continent. */
export const SHAPES: { readonly [K in Exclude<ProfileName, 'aws'>]: Shape } = {
  lan: { delayMs: 0.3, jitterMs: 0.2, lossPct: 0, rateKbit: 1_000_000 },
  wifi: { delayMs: 3, jitterMs: 6, lossPct: 0.2, rateKbit: 50_000 },
  fog20: { delayMs: 20, jitterMs: 4, lossPct: 0.1, rateKbit: 50_000 },
  wan80: { delayMs: 80, jitterMs: 8, lossPct: 0.1, rateKbit: 20_000 }
}
