#!/usr/bin/env node
import { launch } from './launch.mjs'

await launch(new URL('./brume', import.meta.url))
