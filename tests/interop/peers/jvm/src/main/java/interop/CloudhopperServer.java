package interop;

import com.cloudhopper.smpp.SmppBindType;
import com.cloudhopper.smpp.SmppConstants;
import com.cloudhopper.smpp.SmppServerConfiguration;
import com.cloudhopper.smpp.SmppServerHandler;
import com.cloudhopper.smpp.SmppServerSession;
import com.cloudhopper.smpp.SmppSession;
import com.cloudhopper.smpp.SmppSessionConfiguration;
import com.cloudhopper.smpp.impl.DefaultSmppServer;
import com.cloudhopper.smpp.impl.DefaultSmppSessionHandler;
import com.cloudhopper.smpp.pdu.BaseBind;
import com.cloudhopper.smpp.pdu.BaseBindResp;
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
import com.cloudhopper.smpp.pdu.Unbind;
import com.cloudhopper.smpp.tlv.Tlv;
import com.cloudhopper.smpp.type.SmppProcessingException;
import com.google.gson.JsonObject;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** cloudhopper as an SMSC; its message ids are UUIDs. */
final class CloudhopperServer implements Wire.Commands, SmppServerHandler {
  private final String systemId;
  private final String password;
  private final List<SmppServerSession> sessions = new CopyOnWriteArrayList<>();
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);

  CloudhopperServer(String systemId, String password) throws Exception {
    this.systemId = systemId;
    this.password = password;
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    SmppServerConfiguration configuration = new SmppServerConfiguration();
    configuration.setHost("127.0.0.1");
    configuration.setPort(port);
    configuration.setSystemId("cloudhopper");
    configuration.setMaxConnectionSize(50);
    configuration.setDefaultWindowSize(50);
    configuration.setDefaultRequestExpiryTimeout(Cloudhopper.TIMEOUT_MS);
    new DefaultSmppServer(configuration, this).start();
    Wire.event("listening", Wire.record("port", port));
  }

  private static String kind(SmppBindType type) {
    return type == SmppBindType.TRANSMITTER ? "tx" : type == SmppBindType.RECEIVER ? "rx" : "trx";
  }

  @Override
  public void sessionBindRequested(Long id, SmppSessionConfiguration configuration, BaseBind request)
      throws SmppProcessingException {
    boolean right = systemId.equals(request.getSystemId()) && password.equals(request.getPassword());
    int status = right ? SmppConstants.STATUS_OK : SmppConstants.STATUS_INVPASWD;
    Wire.event("bind", Wire.record("kind", kind(configuration.getType()), "system_id", request.getSystemId(),
        "interface_version", request.getInterfaceVersion() & 0xff, "status", status));
    if (!right) {
      throw new SmppProcessingException(status);
    }
  }

  @Override
  public void sessionCreated(Long id, SmppServerSession session, BaseBindResp response) {
    sessions.add(session);
    session.serverReady(new Handler(session));
  }

  @Override
  public void sessionDestroyed(Long id, SmppServerSession session) {
    sessions.remove(session);
    session.destroy();
    Wire.event("closed", Wire.record());
  }

  private static boolean mayReceive(SmppSession session) {
    return session.getBindType() != SmppBindType.TRANSMITTER;
  }

  private SmppSession receiver() {
    for (int i = sessions.size() - 1; i >= 0; --i) {
      if (mayReceive(sessions.get(i))) {
        return sessions.get(i);
      }
    }
    throw new IllegalStateException("no session that may receive");
  }

  private void receipt(SmppSession session, BaseSm<?> message, String id) {
    try {
      DeliverSm receipt = new DeliverSm();
      receipt.setSourceAddress(message.getDestAddress());
      receipt.setDestAddress(message.getSourceAddress());
      receipt.setEsmClass((byte) 4);
      receipt.setShortMessage(Wire.receipt(id).getBytes(StandardCharsets.ISO_8859_1));
      receipt.addOptionalParameter(
          new Tlv(SmppConstants.TAG_RECEIPTED_MSG_ID, (id + "\0").getBytes(StandardCharsets.ISO_8859_1)));
      receipt.addOptionalParameter(new Tlv(Cloudhopper.TAG_MESSAGE_STATE, new byte[] {2}));
      PduResponse response = Cloudhopper.ask(mayReceive(session) ? session : receiver(), receipt);
      Wire.event("receipt_resp", Wire.record("status", response.getCommandStatus(), "message_id", id));
    } catch (Exception failure) {
      Wire.event("error", Wire.record("error", failure.toString()));
    }
  }

  private final class Handler extends DefaultSmppSessionHandler {
    private final SmppSession session;

    Handler(SmppSession session) {
      this.session = session;
    }

    @Override
    public PduResponse firePduRequestReceived(PduRequest request) {
      PduResponse response = request.createResponse();
      if (request instanceof SubmitSm || request instanceof DataSm) {
        BaseSm<?> message = (BaseSm<?>) request;
        String id = UUID.randomUUID().toString();
        try {
          Map<String, Object> record = Cloudhopper.described(message);
          record.put("message_id", id);
          Wire.event(request instanceof SubmitSm ? "submit_sm" : "data_sm", record);
        } catch (Exception failure) {
          Wire.event("error", Wire.record("error", failure.toString()));
        }
        ((BaseSmResp) response).setMessageId(id);
        if ((message.getRegisteredDelivery() & 3) == 1) {
          timer.schedule(() -> receipt(session, message, id), 50, TimeUnit.MILLISECONDS);
        }
      } else if (request instanceof QuerySm query) {
        ((QuerySmResp) response).setMessageId(query.getMessageId());
        ((QuerySmResp) response).setMessageState((byte) 2);
      } else if (request instanceof Unbind) {
        Wire.event("unbind", Wire.record());
      }
      return response;
    }
  }

  @Override
  public Map<String, Object> run(String name, JsonObject command) throws Exception {
    SmppSession newest = sessions.isEmpty() ? null : sessions.get(sessions.size() - 1);
    switch (name) {
      case "deliver": {
        DeliverSm message = new DeliverSm();
        Cloudhopper.fill(message, command);
        return Wire.record("status", Cloudhopper.ask(receiver(), message).getCommandStatus());
      }
      case "enquire_link":
        return Wire.record("status", Cloudhopper.ask(newest, new EnquireLink()).getCommandStatus());
      case "unbind":
        newest.unbind(Cloudhopper.TIMEOUT_MS);
        return Wire.record("status", 0);
      default:
        throw new IllegalArgumentException("no command " + name);
    }
  }
}
