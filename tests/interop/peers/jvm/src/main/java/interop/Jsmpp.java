package interop;

import com.google.gson.JsonObject;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jsmpp.bean.AbstractSmCommand;
import org.jsmpp.bean.AlertNotification;
import org.jsmpp.bean.BindType;
import org.jsmpp.bean.DataSm;
import org.jsmpp.bean.DeliverSm;
import org.jsmpp.bean.ESMClass;
import org.jsmpp.bean.InterfaceVersion;
import org.jsmpp.bean.MessageRequest;
import org.jsmpp.bean.NumberingPlanIndicator;
import org.jsmpp.bean.OptionalParameter;
import org.jsmpp.bean.RawDataCoding;
import org.jsmpp.bean.RegisteredDelivery;
import org.jsmpp.bean.TypeOfNumber;
import org.jsmpp.extra.NegativeResponseException;
import org.jsmpp.extra.SessionState;
import org.jsmpp.session.AbstractSession;
import org.jsmpp.session.BindParameter;
import org.jsmpp.session.DataSmResult;
import org.jsmpp.session.MessageReceiverListener;
import org.jsmpp.session.SMPPSession;
import org.jsmpp.session.Session;
import org.jsmpp.extra.ProcessRequestException;

/** jSMPP as a peer. */
public final class Jsmpp {
  static final TypeOfNumber TON = TypeOfNumber.INTERNATIONAL;
  static final NumberingPlanIndicator NPI = NumberingPlanIndicator.ISDN;
  static final int TIMEOUT_MS = 15_000;

  private Jsmpp() {}

  /** The library pings by itself, on a timer of seconds; the tests want it now. */
  static void enquireLink(AbstractSession session) throws Exception {
    Method send = AbstractSession.class.getDeclaredMethod("sendEnquireLink");
    send.setAccessible(true);
    send.invoke(session);
  }

  static Map<String, Object> described(AbstractSmCommand message) {
    byte[] octets = message instanceof MessageRequest request ? request.getShortMessage() : null;
    OptionalParameter.Message_payload payload = message.getOptionalParameter(OptionalParameter.Message_payload.class);
    if (payload != null) {
      octets = payload.getValue();
    }
    Map<String, Object> record = Wire.record(
        "source", message.getSourceAddr(), "destination", message.getDestAddress(), "esm_class", message.getEsmClass() & 0xff,
        "data_coding", message.getDataCoding() & 0xff, "registered_delivery", message.getRegisteredDelivery() & 0xff,
        "hex", Wire.hex(octets));
    OptionalParameter.Receipted_message_id id = message.getOptionalParameter(OptionalParameter.Receipted_message_id.class);
    if (id != null) {
      record.put("receipted_message_id", id.getValueAsString());
    }
    OptionalParameter.Message_state state = message.getOptionalParameter(OptionalParameter.Message_state.class);
    if (state != null) {
      record.put("message_state", state.getValue() & 0xff);
    }
    return record;
  }

  private static final class Client implements Wire.Commands, MessageReceiverListener {
    private final String host;
    private final int port;
    private final SMPPSession session = new SMPPSession();

    Client(String host, int port) {
      this.host = host;
      this.port = port;
      session.setMessageReceiverListener(this);
      session.setTransactionTimer(TIMEOUT_MS);
      session.addSessionStateListener((now, before, source) -> {
        if (now == SessionState.CLOSED) {
          Wire.event("closed", Wire.record());
        }
      });
    }

    @Override
    public void onAcceptDeliverSm(DeliverSm message) {
      Wire.event("deliver_sm", described(message));
    }

    @Override
    public void onAcceptAlertNotification(AlertNotification alert) {
      Wire.event("alert_notification", Wire.record("source", alert.getSourceAddr()));
    }

    @Override
    public DataSmResult onAcceptDataSm(DataSm message, Session source) throws ProcessRequestException {
      throw new ProcessRequestException("no data_sm wanted", 0x08);
    }

    private Map<String, Object> bind(JsonObject command) throws Exception {
      BindType type = Map.of("tx", BindType.BIND_TX, "rx", BindType.BIND_RX, "trx", BindType.BIND_TRX)
          .get(Wire.text(command, "kind"));
      BindParameter parameter = new BindParameter(type, Wire.text(command, "system_id"), Wire.text(command, "password"),
          Wire.text(command, "system_type"), TypeOfNumber.UNKNOWN, NumberingPlanIndicator.UNKNOWN, null, InterfaceVersion.IF_34);
      try {
        return Wire.record("status", 0, "system_id", session.connectAndBind(host, port, parameter, TIMEOUT_MS));
      } catch (java.io.IOException failure) {
        if (failure.getCause() instanceof NegativeResponseException refused) {
          return Wire.record("status", refused.getCommandStatus());
        }
        throw failure;
      }
    }

    private String submit(JsonObject command, int esmClass, byte dataCoding, byte[] octets) throws Exception {
      boolean payload = command.has("payload") && command.get("payload").getAsBoolean();
      OptionalParameter[] parameters = payload
          ? new OptionalParameter[] {new OptionalParameter.Message_payload(octets)} : new OptionalParameter[0];
      return session.submitShortMessage("", TON, NPI, Wire.text(command, "source"), TON, NPI, Wire.text(command, "destination"),
          new ESMClass(esmClass), (byte) 0, (byte) 0, null, null,
          new RegisteredDelivery(Wire.number(command, "registered_delivery")), (byte) 0, new RawDataCoding(dataCoding), (byte) 0,
          payload ? new byte[0] : octets, parameters).getMessageId();
    }

    private Map<String, Object> submitLong(JsonObject command) throws Exception {
      Text text = Text.of(command);
      List<String> ids = new ArrayList<>();
      for (byte[] part : text.parts()) {
        ids.add(submit(command, 0x40, text.dataCoding, part));
      }
      return Wire.record("status", 0, "message_ids", ids);
    }

    private Map<String, Object> dataSm(JsonObject command) throws Exception {
      DataSmResult result = session.dataShortMessage("", TON, NPI, Wire.text(command, "source"), TON, NPI,
          Wire.text(command, "destination"), new ESMClass(), new RegisteredDelivery(Wire.number(command, "registered_delivery")),
          new RawDataCoding(Wire.octet(command, "data_coding")), new OptionalParameter.Message_payload(Wire.octets(command)));
      return Wire.record("status", 0, "message_id", result.getMessageId());
    }

    @Override
    public Map<String, Object> run(String name, JsonObject command) throws Exception {
      try {
        switch (name) {
          case "bind":
            return bind(command);
          case "submit": {
            Text text = Text.of(command);
            String id = submit(command, Wire.number(command, "esm_class"), text.dataCoding, text.octets);
            return Wire.record("status", 0, "message_id", id);
          }
          case "submit_long":
            return submitLong(command);
          case "data_sm":
            return dataSm(command);
          case "query":
            return Wire.record("status", 0, "message_state", session.queryShortMessage(Wire.text(command, "message_id"),
                TON, NPI, Wire.text(command, "source")).getMessageState().value());
          case "enquire_link":
            enquireLink(session);
            return Wire.record("status", 0);
          case "unbind":
            session.unbind();
            session.close();
            return Wire.record("status", 0);
          default:
            throw new IllegalArgumentException("no command " + name);
        }
      } catch (NegativeResponseException refused) {
        return Wire.record("status", refused.getCommandStatus());
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length == 3 && arguments[0].equals("client")) {
      Wire.serve(new Client(arguments[1], Integer.parseInt(arguments[2])));
    } else if (arguments.length == 3 && arguments[0].equals("server")) {
      Wire.serve(new JsmppServer(arguments[1], arguments[2]));
    } else {
      System.err.println("usage: Jsmpp client HOST PORT | server SYSTEM_ID PASSWORD");
      System.exit(2);
    }
    System.exit(0); // the library's threads are not daemons
  }
}
