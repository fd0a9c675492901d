package interop;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/** The JSON lines that every peer speaks; ../../../../../README.md has the protocol. */
final class Wire {
  interface Commands {
    Map<String, Object> run(String name, JsonObject command) throws Exception;
  }

  private static final Gson GSON = new GsonBuilder().serializeNulls().create();
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private Wire() {}

  static Map<String, Object> record(Object... namesAndValues) {
    Map<String, Object> record = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      record.put((String) namesAndValues[i], namesAndValues[i + 1]);
    }
    return record;
  }

  static synchronized void say(Map<String, Object> record) {
    OUT.println(GSON.toJson(record));
  }

  static void event(String name, Map<String, Object> fields) {
    Map<String, Object> record = record("event", name);
    record.putAll(fields);
    say(record);
  }

  /** Runs the commands on standard input, one after the other, until it ends. */
  static void serve(Commands commands) throws Exception {
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      JsonObject command = GSON.fromJson(line, JsonObject.class);
      Map<String, Object> answer;
      try {
        answer = commands.run(command.get("do").getAsString(), command);
      } catch (Exception failure) {
        answer = record("error", failure.toString());
      }
      answer.put("call", command.get("call").getAsInt());
      say(answer);
    }
  }

  static String text(JsonObject command, String name) {
    return command.has(name) ? command.get(name).getAsString() : "";
  }

  static int number(JsonObject command, String name) {
    return command.has(name) ? command.get(name).getAsInt() : 0;
  }

  static byte octet(JsonObject command, String name) {
    return (byte) number(command, name);
  }

  static byte[] octets(JsonObject command) {
    return HexFormat.of().parseHex(text(command, "hex"));
  }

  static String hex(byte[] octets) {
    return octets == null ? "" : HexFormat.of().formatHex(octets);
  }

  static String receipt(String id) {
    return "id:" + id + " sub:001 dlvrd:001 submit date:2001010000 done date:2001010001 stat:DELIVRD err:000 text:";
  }
}
