/** Prints what `ws6455 decode` finds. */

import type { RecordingRecord } from '../recording/records.js';
import type { IncompleteFrame } from '../sans-io/decode-frames.js';
import type { Item, Origin } from './decode-items.js';
import {
  explainFrame,
  explainIncomplete,
  type FrameTextOptions,
  markOf,
  summarizeFrame,
} from './frame-text.js';
import { explainHead } from './head-text.js';
import { count, escapeControls, hex } from './text.js';

/** Numbers the frames, and separates what it prints with empty lines. */
export class ItemPrinter {
  private readonly options: FrameTextOptions;
  private readonly isBrief: boolean;
  private frames = 0;
  private isFirst = true;

  /** @param isBrief one line for each frame */
  constructor(options: FrameTextOptions, isBrief: boolean) {
    this.options = options;
    this.isBrief = isBrief;
  }

  print(item: Item): string[] {
    const lines = this.isBrief ? this.printBriefly(item) : this.printFully(item);
    if (this.isBrief || lines.length === 0) return lines;
    const separated = this.isFirst ? lines : ['', ...lines];
    this.isFirst = false;
    return separated;
  }

  private printFully(item: Item): string[] {
    const { options } = this;
    const { bold } = options.style;
    switch (item.kind) {
      case 'head':
        return [
          bold(this.titleOf('Opening handshake', item.origin)),
          ...explainHead(item.lines, options),
        ];
      case 'frame': {
        const { frame, origin, progress } = item;
        const title = `Frame ${++this.frames}: ${frame.opcodeName}, ${sizeOf(frame)}, at byte ${frame.offset}`;
        return [bold(this.titleOf(title, origin)), ...explainFrame(frame, progress, options)];
      }
      case 'incomplete': {
        const title = `Frame ${++this.frames} is incomplete: ${count(item.frame.missing, 'byte')} missing`;
        return [bold(this.titleOf(title, item.origin)), ...explainIncomplete(item.frame, options)];
      }
      default:
        return this.printOther(item);
    }
  }

  private printBriefly(item: Item): string[] {
    const { style } = this.options;
    switch (item.kind) {
      case 'head': {
        const [start] = item.lines;
        const wrong = item.lines.find(({ violation }) => violation !== undefined);
        const mark = markOf(wrong && { message: wrong.violation ?? '', rfc: wrong.rfc }, style);
        return [`${this.prefixOf(item.origin)}${escapeControls(start?.text ?? '')}${mark}`];
      }
      case 'frame':
        this.frames++;
        return [`${this.prefixOf(item.origin)}${summarizeFrame(item.frame, this.options)}`];
      case 'incomplete':
        return [`${this.prefixOf(item.origin)}${this.summarizeIncomplete(item.frame)}`];
      default:
        return this.printOther(item);
    }
  }

  private summarizeIncomplete({ opcodeName, missing, violation }: IncompleteFrame): string {
    const mark = markOf(violation, this.options.style);
    return `incomplete ${opcodeName} frame, ${count(missing, 'byte')} missing${mark}`;
  }

  private printOther(item: Item): string[] {
    if (item.kind === 'note') return noteOf(item.record);
    if (item.kind !== 'bytes') return [];
    const { bytes, origin } = item;
    return [
      this.titleOf(`${count(bytes.length, 'byte')} that are no frame`, origin),
      `  ${hex(bytes, this.options.max)}`,
    ];
  }

  private titleOf(title: string, { from, connection, time }: Origin): string {
    const where = time === undefined ? '' : `, connection ${connection}, ${time} ms`;
    return `${title}, from the ${from}${where}`;
  }

  private prefixOf({ from, connection, time }: Origin): string {
    const { dim, green, blue } = this.options.style;
    const arrow = from === 'client' ? green('client >') : blue('server <');
    const where = time === undefined ? '' : dim(`[${connection}] ${time.toFixed(3).padStart(9)} `);
    return `${where}${arrow} `;
  }
}

function sizeOf({ bytes, payload }: { bytes: Buffer; payload: Buffer }): string {
  return `${count(payload.length, 'byte')} of payload, ${bytes.length} in all`;
}

function noteOf(record: RecordingRecord): string[] {
  switch (record.type) {
    case 'connection':
      return [`Connection ${record.connection} to ${escapeControls(record.url)}`];
    case 'end': {
      const why = record.how === 'end' ? 'ended' : `failed: ${escapeControls(record.error ?? '')}`;
      return [`Connection ${record.connection}: the direction of the ${record.from} ${why}`];
    }
    default:
      return [];
  }
}
