package interop;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jsmpp.bean.AbstractSmCommand;
import org.jsmpp.bean.BindType;
import org.jsmpp.bean.BroadcastSm;
import org.jsmpp.bean.CancelBroadcastSm;
import org.jsmpp.bean.CancelSm;
import org.jsmpp.bean.DataSm;
import org.jsmpp.bean.ESMClass;
import org.jsmpp.bean.InterfaceVersion;
import org.jsmpp.bean.MessageState;
import org.jsmpp.bean.OptionalParameter;
import org.jsmpp.bean.QueryBroadcastSm;
import org.jsmpp.bean.QuerySm;
import org.jsmpp.bean.RawDataCoding;
import org.jsmpp.bean.RegisteredDelivery;
import org.jsmpp.bean.ReplaceSm;
import org.jsmpp.bean.SubmitMulti;
import org.jsmpp.bean.SubmitSm;
import org.jsmpp.extra.NegativeResponseException;
import org.jsmpp.extra.ProcessRequestException;
import org.jsmpp.extra.SessionState;
import org.jsmpp.session.BindRequest;
import org.jsmpp.session.BroadcastSmResult;
import org.jsmpp.session.DataSmResult;
import org.jsmpp.session.QueryBroadcastSmResult;
import org.jsmpp.session.QuerySmResult;
import org.jsmpp.session.SMPPServerSession;
import org.jsmpp.session.SMPPServerSessionListener;
import org.jsmpp.session.ServerMessageReceiverListener;
import org.jsmpp.session.Session;
import org.jsmpp.session.SubmitMultiResult;
import org.jsmpp.session.SubmitSmResult;
import org.jsmpp.session.connection.ServerConnection;
import org.jsmpp.session.connection.ServerConnectionFactory;
import org.jsmpp.session.connection.socket.ServerSocketConnection;
import org.jsmpp.util.MessageId;

/** jSMPP as an SMSC. */
final class JsmppServer implements Wire.Commands, ServerMessageReceiverListener {
  private static final int ESME_RINVCMDID = 0x03;
  private static final int ESME_RINVPASWD = 0x0E;

  private final String systemId;
  private final String password;
  private final List<SMPPServerSession> sessions = new CopyOnWriteArrayList<>();
  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
  private final AtomicLong last = new AtomicLong();

  JsmppServer(String systemId, String password) throws IOException {
    this.systemId = systemId;
    this.password = password;
    ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    SMPPServerSessionListener listener = new SMPPServerSessionListener(socket.getLocalPort(), new Listening(socket));
    Thread acceptor = new Thread(() -> accept(listener));
    acceptor.setDaemon(true);
    acceptor.start();
    Wire.event("listening", Wire.record("port", socket.getLocalPort()));
  }

  /** The library would listen on every address of the machine. */
  private static final class Listening implements ServerConnectionFactory {
    private final ServerSocket socket;

    Listening(ServerSocket socket) {
      this.socket = socket;
    }

    @Override
    public ServerConnection listen(int port) {
      return new ServerSocketConnection(socket);
    }

    @Override
    public ServerConnection listen(int port, int timeout) {
      return listen(port);
    }

    @Override
    public ServerConnection listen(int port, int timeout, int backlog) {
      return listen(port);
    }
  }

  private void accept(SMPPServerSessionListener listener) {
    while (true) {
      try {
        SMPPServerSession session = listener.accept();
        session.setMessageReceiverListener(this);
        session.setTransactionTimer(Jsmpp.TIMEOUT_MS);
        session.addSessionStateListener((now, before, source) -> {
          if (now == SessionState.UNBOUND) {
            Wire.event("unbind", Wire.record());
          } else if (now == SessionState.CLOSED) {
            sessions.remove(session);
            Wire.event("closed", Wire.record());
          }
        });
        new Thread(() -> bind(session)).start();
      } catch (IOException failure) {
        Wire.event("error", Wire.record("error", failure.toString()));
      }
    }
  }

  private void bind(SMPPServerSession session) {
    try {
      BindRequest request = session.waitForBind(Jsmpp.TIMEOUT_MS);
      boolean right = request.getSystemId().equals(systemId) && request.getPassword().equals(password);
      BindType type = request.getBindType();
      String kind = type == BindType.BIND_TX ? "tx" : type == BindType.BIND_RX ? "rx" : "trx";
      if (right) {
        request.accept("jsmpp", InterfaceVersion.IF_34);
        sessions.add(session);
      } else {
        request.reject(ESME_RINVPASWD);
      }
      Wire.event("bind", Wire.record("kind", kind, "system_id", request.getSystemId(), "interface_version",
          (int) request.getInterfaceVersion().value(), "status", right ? 0 : ESME_RINVPASWD));
    } catch (Exception failure) {
      Wire.event("error", Wire.record("error", failure.toString()));
    }
  }

  private SMPPServerSession receiver() {
    for (int i = sessions.size() - 1; i >= 0; --i) {
      if (sessions.get(i).getSessionState().isReceivable()) {
        return sessions.get(i);
      }
    }
    throw new IllegalStateException("no session that may receive");
  }

  private MessageId accepted(String event, AbstractSmCommand message, SMPPServerSession session) throws ProcessRequestException {
    String id = String.format("%08X", 0xA0000000L + last.incrementAndGet());
    Map<String, Object> record = Jsmpp.described(message);
    record.put("message_id", id);
    Wire.event(event, record);
    if ((message.getRegisteredDelivery() & 3) == 1) {
      timer.schedule(() -> receipt(message, session, id), 50, TimeUnit.MILLISECONDS);
    }
    try {
      return new MessageId(id);
    } catch (org.jsmpp.PDUStringException failure) {
      throw new ProcessRequestException("id", 0x08, failure);
    }
  }

  private void receipt(AbstractSmCommand message, SMPPServerSession session, String id) {
    int status = 0;
    try {
      SMPPServerSession to = session.getSessionState().isReceivable() ? session : receiver();
      to.deliverShortMessage("", Jsmpp.TON, Jsmpp.NPI, message.getDestAddress(), Jsmpp.TON, Jsmpp.NPI, message.getSourceAddr(),
          new ESMClass(4), (byte) 0, (byte) 0, new RegisteredDelivery(0), new RawDataCoding((byte) 0),
          Wire.receipt(id).getBytes(java.nio.charset.StandardCharsets.ISO_8859_1),
          new OptionalParameter.Receipted_message_id(id), new OptionalParameter.Message_state((byte) 2));
    } catch (NegativeResponseException refused) {
      status = refused.getCommandStatus();
    } catch (Exception failure) {
      Wire.event("error", Wire.record("error", failure.toString()));
      return;
    }
    Wire.event("receipt_resp", Wire.record("status", status, "message_id", id));
  }

  @Override
  public SubmitSmResult onAcceptSubmitSm(SubmitSm message, SMPPServerSession source) throws ProcessRequestException {
    return new SubmitSmResult(accepted("submit_sm", message, source), new OptionalParameter[0]);
  }

  @Override
  public DataSmResult onAcceptDataSm(DataSm message, Session source) throws ProcessRequestException {
    return new DataSmResult(accepted("data_sm", message, (SMPPServerSession) source), new OptionalParameter[0]);
  }

  @Override
  public QuerySmResult onAcceptQuerySm(QuerySm query, SMPPServerSession source) {
    return new QuerySmResult("", MessageState.DELIVERED, (byte) 0);
  }

  private static ProcessRequestException refused() {
    return new ProcessRequestException("not part of these tests", ESME_RINVCMDID);
  }

  @Override
  public SubmitMultiResult onAcceptSubmitMulti(SubmitMulti message, SMPPServerSession source) throws ProcessRequestException {
    throw refused();
  }

  @Override
  public void onAcceptReplaceSm(ReplaceSm message, SMPPServerSession source) throws ProcessRequestException {
    throw refused();
  }

  @Override
  public void onAcceptCancelSm(CancelSm message, SMPPServerSession source) throws ProcessRequestException {
    throw refused();
  }

  @Override
  public BroadcastSmResult onAcceptBroadcastSm(BroadcastSm message, SMPPServerSession source) throws ProcessRequestException {
    throw refused();
  }

  @Override
  public void onAcceptCancelBroadcastSm(CancelBroadcastSm message, SMPPServerSession source) throws ProcessRequestException {
    throw refused();
  }

  @Override
  public QueryBroadcastSmResult onAcceptQueryBroadcastSm(QueryBroadcastSm message, SMPPServerSession source)
      throws ProcessRequestException {
    throw refused();
  }

  @Override
  public Map<String, Object> run(String name, JsonObject command) throws Exception {
    try {
      switch (name) {
        case "deliver":
          receiver().deliverShortMessage("", Jsmpp.TON, Jsmpp.NPI, Wire.text(command, "source"), Jsmpp.TON, Jsmpp.NPI,
              Wire.text(command, "destination"), new ESMClass(Wire.number(command, "esm_class")), (byte) 0, (byte) 0,
              new RegisteredDelivery(0), new RawDataCoding(Wire.octet(command, "data_coding")), Wire.octets(command));
          return Wire.record("status", 0);
        case "enquire_link":
          Jsmpp.enquireLink(sessions.get(sessions.size() - 1));
          return Wire.record("status", 0);
        case "unbind": {
          SMPPServerSession session = sessions.get(sessions.size() - 1);
          session.unbind();
          session.close();
          return Wire.record("status", 0);
        }
        default:
          throw new IllegalArgumentException("no command " + name);
      }
    } catch (NegativeResponseException refused) {
      return Wire.record("status", refused.getCommandStatus());
    }
  }
}
