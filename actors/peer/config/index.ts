export type { Config, ConfigKey, PresetName, Role } from './knobs.ts'
export { flagName, KNOBS, variableName } from './knobs.ts'
export { layer, type Overrides, readConfigFile, readEnvironment, readOverrides } from './load.ts'
export { nearest } from './nearest.ts'
