// node-smpp as a peer; ../README.md has the protocol.
'use strict';
const fs = require('fs');
const readline = require('readline');
const smpp = require('smpp');

const say = (record) => process.stdout.write(JSON.stringify(record) + '\n');
const encodings = { gsm: 0, latin1: 3, ucs2: 8 };
const kinds = { tx: 'transmitter', rx: 'receiver', trx: 'transceiver' };

// The library decodes short_message by data_coding; the octets themselves are wanted here, so its text filters are taken
// off what is received. What is sent as text still goes through its encoders.
for (const name of ['deliver_sm', 'submit_sm']) {
  const params = smpp.commands[name].params;
  const filter = params.short_message.filter;
  params.short_message.filter = { encode: filter.encode, decode: (value) => ({ message: value }) };
}
const payload = smpp.tlvs.message_payload;
payload.filter = { encode: payload.filter.encode, decode: (value) => ({ message: value }) };

function octets(pdu) {
  const whole = pdu.message_payload || pdu.short_message || { message: Buffer.alloc(0) };
  return Buffer.from(whole.message).toString('hex');
}

function described(pdu) {
  const record = {
    source: pdu.source_addr, destination: pdu.destination_addr, esm_class: pdu.esm_class,
    data_coding: pdu.data_coding, registered_delivery: pdu.registered_delivery, hex: octets(pdu),
  };
  if (pdu.receipted_message_id !== undefined) record.receipted_message_id = pdu.receipted_message_id;
  if (pdu.message_state !== undefined) record.message_state = pdu.message_state;
  return record;
}

const ask = (session, command, fields) => new Promise((resolve, reject) => {
  const lost = () => reject(new Error('connection closed before the response'));
  session.once('close', lost);
  const sent = session[command](fields, (response) => {
    session.removeListener('close', lost);
    resolve(response);
  });
  if (!sent) reject(new Error('socket not writable'));
});

function addressed(command) {
  return {
    source_addr: command.source, destination_addr: command.destination, source_addr_ton: 1, source_addr_npi: 1,
    dest_addr_ton: 1, dest_addr_npi: 1, registered_delivery: command.registered_delivery || 0,
  };
}

// TLS when the test names the files.
const { PEER_TLS_CA, PEER_TLS_CERT, PEER_TLS_KEY } = process.env;

function client(host, port) {
  const session = PEER_TLS_CA
    ? smpp.connect({ url: `ssmpp://${host}:${port}`, ca: fs.readFileSync(PEER_TLS_CA), servername: 'localhost' })
    : smpp.connect({ host, port: Number(port) });
  const connected = new Promise((resolve, reject) => {
    session.once(PEER_TLS_CA ? 'secureConnect' : 'connect', resolve);
    session.once('error', reject);
  });
  session.on('error', (error) => say({ event: 'error', error: String(error) }));
  session.on('close', () => say({ event: 'closed' }));
  session.on('deliver_sm', (pdu) => {
    say({ event: 'deliver_sm', ...described(pdu) });
    session.send(pdu.response());
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    say({ event: 'unbind' });
    session.send(pdu.response(), () => session.close());
  });

  async function submit(fields) {
    const response = await ask(session, 'submit_sm', fields);
    return { status: response.command_status, message_id: response.message_id };
  }
  return {
    async bind(command) {
      await connected;
      const response = await ask(session, 'bind_' + kinds[command.kind], {
        system_id: command.system_id, password: command.password, system_type: command.system_type || '',
        interface_version: command.interface_version || 0x34,
      });
      return { status: response.command_status, system_id: response.system_id };
    },
    submit(command) {
      const fields = { ...addressed(command), esm_class: command.esm_class || 0 };
      let message;
      if (command.hex !== undefined) {
        fields.data_coding = command.data_coding || 0;
        message = Buffer.from(command.hex, 'hex');
      } else {
        fields.data_coding = encodings[command.encoding];
        message = command.text;
      }
      if (command.payload) fields.message_payload = message; else fields.short_message = message;
      return submit(fields);
    },
    // The library has no splitter; it takes a UDH beside the text of each part.
    async submit_long(command) {
      const size = { gsm: 153, latin1: 134, ucs2: 67 }[command.encoding];
      const count = Math.ceil(command.text.length / size);
      const answers = await Promise.all(Array.from({ length: count }, (_, part) => submit({
        ...addressed(command), data_coding: encodings[command.encoding],
        short_message: {
          udh: Buffer.from([5, 0, 3, 0x5a, count, part + 1]),
          message: command.text.slice(part * size, (part + 1) * size),
        },
      })));
      const bad = answers.find((answer) => answer.status !== 0);
      return { status: bad ? bad.status : 0, message_ids: answers.map((answer) => answer.message_id) };
    },
    async data_sm(command) {
      const response = await ask(session, 'data_sm', {
        ...addressed(command), data_coding: command.data_coding || 0, message_payload: Buffer.from(command.hex, 'hex'),
      });
      return { status: response.command_status, message_id: response.message_id };
    },
    async query(command) {
      const response = await ask(session, 'query_sm', {
        message_id: command.message_id, source_addr: command.source, source_addr_ton: 1, source_addr_npi: 1,
      });
      return { status: response.command_status, message_state: response.message_state };
    },
    async enquire_link() { return { status: (await ask(session, 'enquire_link', {})).command_status }; },
    async unbind() {
      const response = await ask(session, 'unbind', {});
      session.close();
      return { status: response.command_status };
    },
  };
}

function server(systemId, password) {
  const sessions = [];
  let last = 0;

  function receipt(session, pdu, id) {
    session.deliver_sm({
      source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
      source_addr_ton: pdu.dest_addr_ton, source_addr_npi: pdu.dest_addr_npi,
      short_message: `id:${id} sub:001 dlvrd:001 submit date:2001010000 done date:2001010001 stat:DELIVRD err:000 text:`,
      receipted_message_id: id, message_state: 2,
    }, (response) => say({ event: 'receipt_resp', status: response.command_status, message_id: id }));
  }
  function receiver() {
    const session = sessions.filter((one) => one.bound && one.bound !== 'tx').pop();
    if (!session) throw new Error('no session that may receive');
    return session;
  }

  const secure = PEER_TLS_CERT ? { cert: fs.readFileSync(PEER_TLS_CERT), key: fs.readFileSync(PEER_TLS_KEY) } : {};
  const listener = smpp.createServer(secure, (session) => {
    sessions.push(session);
    session.on('error', (error) => say({ event: 'error', error: String(error) }));
    session.on('close', () => {
      sessions.splice(sessions.indexOf(session), 1);
      say({ event: 'closed' });
    });
    for (const [kind, name] of Object.entries(kinds)) {
      session.on('bind_' + name, (pdu) => {
        const right = pdu.system_id === systemId && pdu.password === password;
        const status = right ? smpp.ESME_ROK : smpp.ESME_RINVPASWD;
        if (right) session.bound = kind;
        session.send(pdu.response({ command_status: status, system_id: 'node-smpp' }));
        say({ event: 'bind', kind, system_id: pdu.system_id, interface_version: pdu.interface_version, status });
      });
    }
    for (const name of ['submit_sm', 'data_sm']) {
      session.on(name, (pdu) => {
        const id = 'node-' + (++last).toString(16).padStart(8, '0');
        say({ event: name, message_id: id, ...described(pdu) });
        session.send(pdu.response({ message_id: id }));
        if ((pdu.registered_delivery & 3) === 1) setTimeout(receipt, 50, session.bound === 'tx' ? receiver() : session, pdu, id);
      });
    }
    session.on('query_sm', (pdu) => session.send(pdu.response({ message_id: pdu.message_id, message_state: 2 })));
    session.on('enquire_link', (pdu) => session.send(pdu.response()));
    session.on('unbind', (pdu) => {
      say({ event: 'unbind' });
      session.send(pdu.response(), () => session.close());
    });
  });
  listener.listen(0, '127.0.0.1', () => say({ event: 'listening', port: listener.address().port }));

  return {
    async deliver(command) {
      const response = await ask(receiver(), 'deliver_sm', {
        source_addr: command.source, destination_addr: command.destination, source_addr_ton: 1, source_addr_npi: 1,
        dest_addr_ton: 1, dest_addr_npi: 1, esm_class: command.esm_class || 0, data_coding: command.data_coding || 0,
        short_message: Buffer.from(command.hex, 'hex'),
      });
      return { status: response.command_status };
    },
    async enquire_link() {
      return { status: (await ask(sessions[sessions.length - 1], 'enquire_link', {})).command_status };
    },
    async unbind() {
      const session = sessions[sessions.length - 1];
      const response = await ask(session, 'unbind', {});
      session.close();
      return { status: response.command_status };
    },
  };
}

const [role, ...rest] = process.argv.slice(2);
const commands = { client, server }[role](...rest);
readline.createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const command = JSON.parse(line);
    try {
      say({ call: command.call, ...(await commands[command.do](command)) });
    } catch (error) {
      say({ call: command.call, error: String(error) });
    }
  })
  .on('close', () => process.exit(0));
