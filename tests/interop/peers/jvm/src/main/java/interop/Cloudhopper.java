package interop;

import com.cloudhopper.smpp.SmppBindType;
import com.cloudhopper.smpp.SmppConstants;
import com.cloudhopper.smpp.SmppSession;
import com.cloudhopper.smpp.SmppSessionConfiguration;
import com.cloudhopper.smpp.impl.DefaultSmppClient;
import com.cloudhopper.smpp.impl.DefaultSmppSessionHandler;
import com.cloudhopper.smpp.pdu.BaseSm;
import com.cloudhopper.smpp.pdu.BaseSmResp;
import com.cloudhopper.smpp.pdu.DataSm;
import com.cloudhopper.smpp.pdu.DeliverSm;
import com.cloudhopper.smpp.pdu.EnquireLink;
import com.cloudhopper.smpp.pdu.PduRequest;
import com.cloudhopper.smpp.pdu.PduResponse;
import com.cloudhopper.smpp.pdu.QuerySm;
import com.cloudhopper.smpp.pdu.QuerySmResp;
import com.cloudhopper.smpp.pdu.SubmitSm;
import com.cloudhopper.smpp.tlv.Tlv;
import com.cloudhopper.smpp.tlv.TlvConvertException;
import com.cloudhopper.smpp.type.Address;
import com.cloudhopper.smpp.type.SmppBindException;
import com.cloudhopper.commons.util.windowing.WindowFuture;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** cloudhopper as a peer. */
public final class Cloudhopper {
  static final int TIMEOUT_MS = 15_000;
  static final short TAG_MESSAGE_STATE = 0x0427;

  private Cloudhopper() {}

  static Address address(String digits) {
    return new Address((byte) 1, (byte) 1, digits);
  }

  static Map<String, Object> described(BaseSm<?> message) throws TlvConvertException {
    Tlv payload = message.getOptionalParameter(SmppConstants.TAG_MESSAGE_PAYLOAD);
    Map<String, Object> record = Wire.record(
        "source", message.getSourceAddress().getAddress(), "destination", message.getDestAddress().getAddress(),
        "esm_class", message.getEsmClass() & 0xff, "data_coding", message.getDataCoding() & 0xff,
        "registered_delivery", message.getRegisteredDelivery() & 0xff,
        "hex", Wire.hex(payload == null ? message.getShortMessage() : payload.getValue()));
    Tlv id = message.getOptionalParameter(SmppConstants.TAG_RECEIPTED_MSG_ID);
    if (id != null) {
      record.put("receipted_message_id", id.getValueAsString());
    }
    Tlv state = message.getOptionalParameter(TAG_MESSAGE_STATE);
    if (state != null) {
      record.put("message_state", state.getValueAsUnsignedByte());
    }
    return record;
  }

  /** Sends and waits; the answer whatever its status. */
  static PduResponse ask(SmppSession session, PduRequest<?> request) throws Exception {
    WindowFuture<Integer, PduRequest, PduResponse> future = session.sendRequestPdu(request, TIMEOUT_MS, true);
    if (!future.await(TIMEOUT_MS) || !future.isSuccess()) {
      throw new IllegalStateException("no response in time: " + future.getCause());
    }
    return future.getResponse();
  }

  static Map<String, Object> statusAndId(PduResponse response) {
    Map<String, Object> record = Wire.record("status", response.getCommandStatus());
    if (response instanceof BaseSmResp answer) {
      record.put("message_id", answer.getMessageId());
    }
    return record;
  }

  static void fill(BaseSm<?> message, JsonObject command) throws Exception {
    Text text = Text.of(command);
    message.setSourceAddress(address(Wire.text(command, "source")));
    message.setDestAddress(address(Wire.text(command, "destination")));
    message.setEsmClass(Wire.octet(command, "esm_class"));
    message.setRegisteredDelivery(Wire.octet(command, "registered_delivery"));
    message.setDataCoding(text.dataCoding);
    if (message instanceof DataSm || (command.has("payload") && command.get("payload").getAsBoolean())) {
      message.addOptionalParameter(new Tlv(SmppConstants.TAG_MESSAGE_PAYLOAD, text.octets));
    } else {
      message.setShortMessage(text.octets);
    }
  }

  private static final class Client extends DefaultSmppSessionHandler implements Wire.Commands {
    private final String host;
    private final int port;
    private final DefaultSmppClient client = new DefaultSmppClient();
    private SmppSession session;

    Client(String host, int port) {
      this.host = host;
      this.port = port;
    }

    @Override
    public PduResponse firePduRequestReceived(PduRequest request) {
      if (request instanceof DeliverSm message) {
        try {
          Wire.event("deliver_sm", described(message));
        } catch (TlvConvertException failure) {
          Wire.event("error", Wire.record("error", failure.toString()));
        }
      }
      return request.createResponse();
    }

    @Override
    public void fireChannelUnexpectedlyClosed() {
      Wire.event("closed", Wire.record());
    }

    private Map<String, Object> bind(JsonObject command) throws Exception {
      SmppBindType type = Map.of("tx", SmppBindType.TRANSMITTER, "rx", SmppBindType.RECEIVER, "trx", SmppBindType.TRANSCEIVER)
          .get(Wire.text(command, "kind"));
      SmppSessionConfiguration configuration = new SmppSessionConfiguration(
          type, Wire.text(command, "system_id"), Wire.text(command, "password"), Wire.text(command, "system_type"));
      configuration.setHost(host);
      configuration.setPort(port);
      configuration.setConnectTimeout(TIMEOUT_MS);
      configuration.setBindTimeout(TIMEOUT_MS);
      configuration.setWindowSize(10);
      try {
        session = client.bind(configuration, this);
      } catch (SmppBindException refused) {
        return Wire.record("status", refused.getBindResponse().getCommandStatus());
      }
      return Wire.record("status", 0);
    }

    private Map<String, Object> submitLong(JsonObject command) throws Exception {
      Text text = Text.of(command);
      int status = 0;
      List<String> ids = new ArrayList<>();
      for (byte[] part : text.parts()) {
        SubmitSm submit = new SubmitSm();
        submit.setSourceAddress(address(Wire.text(command, "source")));
        submit.setDestAddress(address(Wire.text(command, "destination")));
        submit.setRegisteredDelivery(Wire.octet(command, "registered_delivery"));
        submit.setEsmClass((byte) 0x40);
        submit.setDataCoding(text.dataCoding);
        submit.setShortMessage(part);
        PduResponse response = ask(session, submit);
        if (response.getCommandStatus() != 0) {
          status = response.getCommandStatus();
        }
        ids.add(((BaseSmResp) response).getMessageId());
      }
      return Wire.record("status", status, "message_ids", ids);
    }

    @Override
    public Map<String, Object> run(String name, JsonObject command) throws Exception {
      switch (name) {
        case "bind":
          return bind(command);
        case "submit": {
          SubmitSm submit = new SubmitSm();
          fill(submit, command);
          return statusAndId(ask(session, submit));
        }
        case "submit_long":
          return submitLong(command);
        case "data_sm": {
          DataSm message = new DataSm();
          fill(message, command);
          return statusAndId(ask(session, message));
        }
        case "query": {
          QuerySm query = new QuerySm();
          query.setMessageId(Wire.text(command, "message_id"));
          query.setSourceAddress(address(Wire.text(command, "source")));
          PduResponse response = ask(session, query);
          Map<String, Object> record = Wire.record("status", response.getCommandStatus());
          if (response instanceof QuerySmResp answer) {
            record.put("message_state", answer.getMessageState());
          }
          return record;
        }
        case "enquire_link":
          return statusAndId(ask(session, new EnquireLink()));
        case "unbind":
          session.unbind(TIMEOUT_MS);
          return Wire.record("status", 0);
        default:
          throw new IllegalArgumentException("no command " + name);
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length == 3 && arguments[0].equals("client")) {
      Wire.serve(new Client(arguments[1], Integer.parseInt(arguments[2])));
    } else if (arguments.length == 3 && arguments[0].equals("server")) {
      Wire.serve(new CloudhopperServer(arguments[1], arguments[2]));
    } else {
      System.err.println("usage: Cloudhopper client HOST PORT | server SYSTEM_ID PASSWORD");
      System.exit(2);
    }
    System.exit(0); // the library's threads are not daemons
  }
}
