/**
 * The lines of rfc6455.txt that have a keyword of RFC 2119: 212, of which 138 have MUST or MUST NOT.
 * Lines 652, 653 and 659 define the keywords. The text itself is not in this repository.
 */

import type { Keyword } from './requirement.js';

export const DEFINING_LINES: readonly number[] = [652, 653, 659];

export const KEYWORD_LINES: Readonly<Record<Keyword, readonly number[]>> = {
  MUST: [
    762, 794, 803, 806, 810, 812, 814, 821, 886, 903, 906, 909, 911, 914, 919, 924, 927, 933, 938,
    942, 943, 953, 954, 956, 957, 960, 967, 981, 982, 996, 998, 1020, 1022, 1033, 1039, 1046, 1053,
    1068, 1073, 1133, 1184, 1192, 1213, 1238, 1249, 1255, 1274, 1293, 1403, 1430, 1486, 1489, 1493,
    1555, 1558, 1572, 1604, 1606, 1641, 1643, 1700, 1704, 1708, 1781, 1799, 1801, 1892, 1909, 1915,
    1936, 1972, 1984, 2000, 2018, 2019, 2036, 2092, 2149, 2176, 2185, 2187, 2190, 2198, 2203, 2205,
    2212, 2218, 2220, 2221, 2242, 2251, 2301, 2380, 2383, 2415, 2419, 2429, 2639, 2649, 2662, 2672,
    2700, 2701, 2843, 2894, 2925, 2940, 3010, 3026, 3087, 3094,
  ],
  'MUST NOT': [
    761, 1264, 1289, 1492, 1802, 1889, 1905, 1918, 1921, 1925, 1930, 1973, 1991, 1996, 2393, 2527,
    2534, 2589, 2647, 2703, 3176, 3225, 3264, 3308, 3364,
  ],
  SHOULD: [
    822, 856, 875, 2002, 2020, 2037, 2261, 2267, 2275, 2277, 2304, 2384, 2388, 2444, 2447, 2455,
    2577, 2784, 2786, 2899, 2925, 2947, 2952,
  ],
  'SHOULD NOT': [1158, 2398, 2422, 2468],
  RECOMMENDED: [],
  MAY: [
    673, 713, 786, 969, 992, 1009, 1015, 1095, 1199, 1209, 1490, 1494, 1513, 1551, 1888, 1912, 1979,
    1986, 2003, 2005, 2021, 2034, 2041, 2059, 2073, 2193, 2245, 2248, 2264, 2274, 2381, 2390, 2450,
    2467, 2475, 2486, 2508, 2645, 2646, 2689, 2707, 2753, 2946, 3222, 3305, 3361,
  ],
  OPTIONAL: [743],
};

/** The keywords of RFC 7692, section by section; sections without one are left out. */
export const KEYWORDS_7692: Readonly<Record<string, readonly Keyword[]>> = {
  '4': ['MUST', 'MUST'],
  '5': [
    'MUST',
    'MAY',
    'MUST',
    'MAY',
    'MUST',
    'MUST',
    'MUST NOT',
    'MUST',
    'MUST NOT',
    'MUST',
    'MUST NOT',
    'MUST',
    'MUST',
  ],
  '6.1': ['MUST', 'MUST', 'MUST NOT', 'MUST'],
  '6.2': ['MUST', 'MUST'],
  '7': ['MUST', 'MUST'],
  '7.1.1.1': ['MAY', 'RECOMMENDED', 'MAY'],
  '7.1.1.2': ['MAY', 'MAY', 'MUST'],
  '7.1.2.1': ['MAY', 'MUST', 'MUST', 'MAY'],
  '7.1.2.2': ['MAY', 'MUST', 'MAY', 'MUST', 'MUST NOT'],
  '7.2.1': [
    'MAY',
    'MAY',
    'MAY',
    'MUST',
    'MUST NOT',
    'MUST NOT',
    'MUST',
    'MAY',
    'MAY',
    'MUST',
    'MAY',
    'MUST NOT',
    'MAY',
    'MUST NOT',
  ],
  '7.2.2': ['MAY', 'MUST', 'MAY', 'MUST', 'MUST', 'MAY', 'MUST', 'MAY', 'MUST', 'MUST'],
  '7.3': ['RECOMMENDED'],
};
