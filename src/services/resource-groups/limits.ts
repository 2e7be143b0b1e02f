/** Groups of an account in a region. */
export const MAX_GROUPS = 100;
export const MAX_TAGS = 50;
export const MAX_TAG_KEY = 128;
export const MAX_TAG_VALUE = 256;
/** Types and tags that one query may name. */
export const MAX_TYPE_FILTERS = 20;
export const MAX_TAG_FILTERS = 20;
/** Values of one tag in a query. */
export const MAX_TAG_FILTER_VALUES = 20;
/** Results of a page, where nobody says fewer. */
export const PAGE = 50;
/** Resources of one type that a search by tags looks at. */
export const MAX_SEARCHED = 10_000;
