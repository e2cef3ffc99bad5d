// Both classes are extended, and the server is told of the subclass.
import { strictEqual } from 'node:assert';
import WebSocket, { WebSocketServer } from 'ws6455';

class Member extends WebSocket {
  room = 'lobby';
}

class Club extends WebSocketServer<typeof Member> {
  rooms(): string[] {
    return [...(this.clients ?? [])].map((member) => member.room);
  }
}

const club = new Club({ noServer: true, WebSocket: Member });
strictEqual(club.rooms().length, 0);
club.on('connection', (member) => member.room.toUpperCase());
