import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Properties;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.TimeWindows;

/**
 * A peer: usage events per account and day, counted as the guide of Kafka Streams would have it: one thread, RocksDB and
 * a changelog, all else as it comes. Run by tests/bench/peers.py.
 *
 * java -cp 'jars/*' Count.java BROKER TOPIC WARM EVENTS DIRECTORY: prints one line of JSON once EVENTS are counted,
 * timed from the WARM-th on, when the virtual machine has compiled what is used much.
 */
public class Count {
    static long counted;
    static long started;
    static long cpu;

    public static void main(String[] arguments) {
        String topic = arguments[1];
        long warm = Long.parseLong(arguments[2]);
        long most = Long.parseLong(arguments[3]);
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "kafka-streams-" + topic);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, "1");
        settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[4]);
        settings.put("auto.offset.reset", "earliest");

        ObjectMapper mapper = new ObjectMapper();
        // The markers among the events have no value.
        Deserializer<JsonNode> reader = (name, value) -> {
            try {
                return value == null || value.length == 0 ? null : mapper.readTree(value);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        };
        Serializer<JsonNode> writer = (name, value) -> value.toString().getBytes();

        StreamsBuilder builder = new StreamsBuilder();
        var consumed = Consumed.with(Serdes.String(), Serdes.serdeFrom(writer, reader))
                .withTimestampExtractor((record, before) -> record.value() == null
                        ? before
                        : OffsetDateTime.parse(((JsonNode) record.value()).get("occurred_at").asText())
                                .toInstant().toEpochMilli());
        builder.stream(topic, consumed)
                .filter((account, event) -> event != null)
                .peek((account, event) -> note(warm, most))
                .groupByKey(Grouped.with(Serdes.String(), Serdes.serdeFrom(writer, reader)))
                .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofDays(1), Duration.ofHours(1)))
                .count(Materialized.as("counts"));
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            System.exit(1);
            return null;
        });
        streams.start();
    }

    static void note(long warm, long most) {
        counted++;
        if (counted == warm) {
            started = System.nanoTime();
            cpu = processCpu();
        }
        if (counted == most) {
            System.out.printf("{\"events\":%d,\"seconds\":%f,\"cpu\":%f}%n",
                    counted - warm, (System.nanoTime() - started) / 1e9, (processCpu() - cpu) / 1e9);
        }
    }

    static long processCpu() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }
}
