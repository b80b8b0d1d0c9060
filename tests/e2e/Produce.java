import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Sends each line of a file, `topic<TAB>value`, without a key: java -cp 'jars/*' Produce.java BROKERS FILE */
public class Produce {
    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("key.serializer", StringSerializer.class.getName());
        settings.put("value.serializer", StringSerializer.class.getName());
        settings.put("batch.size", "1000"); // a partition is kept for a batch: small ones, so that all get some
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings);
                var lines = Files.lines(Path.of(arguments[1]))) {
            for (String line : (Iterable<String>) lines::iterator) {
                String[] parts = line.split("\t", 2);
                producer.send(new ProducerRecord<>(parts[0], null, parts[1]), (metadata, error) -> {
                    if (error != null) {
                        error.printStackTrace();
                        System.exit(1);
                    }
                });
            }
        }
    }
}
