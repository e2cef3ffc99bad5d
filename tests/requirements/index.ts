/** The requirement tables of RFC 6455 and RFC 7692. */

import { type Requirement, requirementsOf, type Section } from './requirement.js';
import { CHAPTER_4_CLIENT } from './rfc6455/chapter-4-client.js';
import { CHAPTER_4_SERVER } from './rfc6455/chapter-4-server.js';
import { CHAPTER_5_CONTROL } from './rfc6455/chapter-5-control.js';
import { CHAPTER_5_FRAMING } from './rfc6455/chapter-5-framing.js';
import { CHAPTER_7_CODES } from './rfc6455/chapter-7-codes.js';
import { CHAPTERS_1_TO_3 } from './rfc6455/chapters-1-to-3.js';
import { CHAPTERS_6_TO_7_1 } from './rfc6455/chapters-6-to-7.1.js';
import { CHAPTERS_8_TO_9 } from './rfc6455/chapters-8-to-9.js';
import { CHAPTERS_10_TO_11 } from './rfc6455/chapters-10-to-11.js';
import { FRAMING_SECTIONS, MESSAGE_SECTIONS } from './rfc7692/messages.js';
import { NEGOTIATION, PARAMETER_SECTIONS } from './rfc7692/negotiation.js';

export const RFC_6455: readonly Section[] = [
  ...CHAPTERS_1_TO_3,
  ...CHAPTER_4_CLIENT,
  ...CHAPTER_4_SERVER,
  ...CHAPTER_5_FRAMING,
  ...CHAPTER_5_CONTROL,
  ...CHAPTERS_6_TO_7_1,
  ...CHAPTER_7_CODES,
  ...CHAPTERS_8_TO_9,
  ...CHAPTERS_10_TO_11,
];

export const RFC_7692: readonly Section[] = [
  ...NEGOTIATION,
  ...FRAMING_SECTIONS,
  ...PARAMETER_SECTIONS,
  ...MESSAGE_SECTIONS,
];

/** All statements, by the number of their RFC. */
export const REQUIREMENTS: Readonly<Record<'6455' | '7692', readonly Requirement[]>> = {
  '6455': requirementsOf(RFC_6455),
  '7692': requirementsOf(RFC_7692),
};
