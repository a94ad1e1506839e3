import { PNG } from 'pngjs'
import { describe, expect, it } from 'vitest'
import { comparePictures } from '../support/golden-picture.ts'

/** A white picture with a black bar; `edit` may change its pixels. */
function picture(barAtPx: number, edit: (png: PNG) => void = () => undefined, width = 400): Buffer {
  const png = new PNG({ width, height: 200 })
  png.data.fill(255)
  for (let y = 50; y < 150; y++) for (let x = barAtPx; x < barAtPx + 60; x++) png.data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3)
  edit(png)
  return PNG.sync.write(png)
}

/** Changes every byte but those of opacity. */
function each(change: (value: number, index: number) => number): (png: PNG) => void {
  return (png) => {
    for (const [index, value] of png.data.entries()) if (index % 4 !== 3) png.data[index] = change(value, index)
  }
}

describe('comparing pictures', () => {
  it('takes the same for the same', () => expect(comparePictures(picture(100), picture(100))).toEqual({ same: true, share: 0 }))

  it('overlooks faint differences everywhere: another drawing of letters', () => {
    const faint = picture(
      100,
      each((value, index) => (index % 7 === 0 ? Math.max(0, value - 60) : value)),
    )
    expect(comparePictures(faint, picture(100)).same).toBe(true)
  })

  it('sees a bar that moved, another width, and colours turned round', () => {
    expect(comparePictures(picture(140), picture(100)).same).toBe(false)
    expect(comparePictures(picture(100, undefined, 440), picture(100)).same).toBe(false)
    const inverted = picture(
      100,
      each((value) => 255 - value),
    )
    expect(comparePictures(inverted, picture(100)).share).toBeGreaterThan(0.9)
  })
})
