package interop;

import com.cloudhopper.commons.charset.Charset;
import com.cloudhopper.commons.charset.CharsetUtil;
import com.cloudhopper.commons.gsm.GsmUtil;
import com.google.gson.JsonObject;

/** Text as cloudhopper encodes and splits it. jSMPP leaves both to its user, who is this same class. */
final class Text {
  final byte[] octets;
  final byte dataCoding;

  private Text(byte[] octets, int dataCoding) {
    this.octets = octets;
    this.dataCoding = (byte) dataCoding;
  }

  static Text of(JsonObject command) {
    if (command.has("hex")) {
      return new Text(Wire.octets(command), Wire.number(command, "data_coding"));
    }
    String encoding = Wire.text(command, "encoding");
    int dataCoding = encoding.equals("gsm") ? 0 : encoding.equals("latin1") ? 3 : 8;
    Charset charset = dataCoding == 0 ? CharsetUtil.CHARSET_GSM
        : dataCoding == 3 ? CharsetUtil.CHARSET_ISO_8859_1 : CharsetUtil.CHARSET_UCS_2;
    return new Text(CharsetUtil.encode(Wire.text(command, "text"), charset), dataCoding);
  }

  /** Parts with a UDH of 6 octets and at most 134 octets of text. */
  byte[][] parts() {
    return GsmUtil.createConcatenatedBinaryShortMessages(octets, (byte) 0x43);
  }
}
