import WebSocket from 'ws6455';

const ws = new WebSocket('ws://localhost:8080/');

ws.onopen = () => ws.send('Hello!');
ws.onmessage = (event) => {
  console.log(event.data); // ECHO: Hello!
  ws.close();
};
ws.onerror = (event) => console.error(`the connection failed: ${event.message}`); // no server listens
