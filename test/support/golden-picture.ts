import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PNG } from 'pngjs'

/** How a picture compares with its golden one. */
export interface Comparison {
  readonly same: boolean
  /** Share of blocks that differ, 0 to 1; what differs in size counts as different. */
  readonly share: number
}

const blockPx = 8
/** Two blocks are the same if their mean colours differ by no more than this in each channel, of 255: room for another version's drawing of letters. */
const channelTolerance = 28
const shareTolerance = 0.03

/** Compares two PNGs by the mean colour of their blocks of 8x8 pixels: letters may be drawn a little differently, a moved or missing bar may not (pure). */
export function comparePictures(actualPng: Buffer, goldenPng: Buffer): Comparison {
  const [actual, golden] = [PNG.sync.read(actualPng), PNG.sync.read(goldenPng)]
  const columns = Math.ceil(Math.max(actual.width, golden.width) / blockPx)
  const rows = Math.ceil(Math.max(actual.height, golden.height) / blockPx)
  let different = 0
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) if (!sameBlock(actual, golden, column, row)) different++
  }
  const share = different / (columns * rows)
  return { same: share <= shareTolerance, share }
}

function sameBlock(actual: PNG, golden: PNG, column: number, row: number): boolean {
  const [a, b] = [meanOf(actual, column, row), meanOf(golden, column, row)]
  return a !== null && b !== null && a.every((channel, index) => Math.abs(channel - (b[index] ?? 0)) <= channelTolerance)
}

/** The mean red, green and blue of a block; null where the picture doesn't reach. */
function meanOf(png: PNG, column: number, row: number): readonly number[] | null {
  const sums = [0, 0, 0]
  let pixels = 0
  for (let y = row * blockPx; y < Math.min(png.height, (row + 1) * blockPx); y++) {
    for (let x = column * blockPx; x < Math.min(png.width, (column + 1) * blockPx); x++) {
      const at = (y * png.width + x) * 4
      for (const channel of [0, 1, 2]) sums[channel] = (sums[channel] ?? 0) + (png.data[at + channel] ?? 0)
      pixels++
    }
  }
  return pixels === 0 ? null : sums.map((sum) => sum / pixels)
}

/**
 * Compares with the golden file. With KBG_UPDATE_GOLDEN=1 the picture becomes the golden one instead: look at it before it is committed.
 *
 * @param lookDir where the picture is left when it differs, so that somebody can look at it
 */
export function compareWithGolden(goldenFile: string, png: Buffer, lookDir: string): Comparison {
  if (process.env.KBG_UPDATE_GOLDEN === '1') {
    mkdirSync(dirname(goldenFile), { recursive: true })
    writeFileSync(goldenFile, png)
    return { same: true, share: 0 }
  }
  const comparison = existsSync(goldenFile) ? comparePictures(png, readFileSync(goldenFile)) : { same: false, share: 1 }
  if (!comparison.same) {
    mkdirSync(lookDir, { recursive: true })
    writeFileSync(join(lookDir, goldenFile.slice(goldenFile.lastIndexOf('/') + 1)), png)
  }
  return comparison
}
