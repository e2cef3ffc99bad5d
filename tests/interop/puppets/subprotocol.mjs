/** The one subprotocol that every server here knows. */
export const SUBPROTOCOL = 'chat.v2';
